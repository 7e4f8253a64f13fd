-- The audit chain only grows: changing or removing an event is refused by the database itself.
create function refuse_audit_change()
returns trigger
language plpgsql
as $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or removed';
END;
$$
;
-- next
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
