-- The guards that PostgreSQL has: what each fires on, whether it is on ('A': always), and its function's text.
select
    t.tgname as name,
    t.tgenabled::text as enabled,
    pg_get_triggerdef(t.oid) as definition,
    p.proname as function,
    p.prosrc as body
from pg_trigger as t
inner join pg_proc as p on t.tgfoid = p.oid
where t.tgrelid in ('growth.audit_events'::regclass, 'growth.audit_head'::regclass)
