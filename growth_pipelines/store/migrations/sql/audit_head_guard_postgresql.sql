-- An event takes the next number; the head moves on only, and only to an event that is there.
create function refuse_audit_gap()
returns trigger
language plpgsql
as $$
BEGIN
    IF new.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM growth.audit_events) THEN
        RAISE EXCEPTION 'audit events are only appended, never put in between';
    END IF;
    RETURN new;
END;
$$
;
-- next
create function refuse_audit_head_return()
returns trigger
language plpgsql
as $$
BEGIN
    IF new.id <> old.id OR new.seq <= old.seq
        OR NOT EXISTS (SELECT 1 FROM growth.audit_events WHERE seq = new.seq AND hash = new.hash) THEN
        RAISE EXCEPTION 'the head of the audit chain never goes back';
    END IF;
    RETURN new;
END;
$$
;
-- next
CREATE TRIGGER audit_events_only_append BEFORE INSERT ON audit_events
FOR EACH ROW EXECUTE FUNCTION refuse_audit_gap();
-- next
CREATE TRIGGER audit_head_only_forward BEFORE UPDATE ON audit_head
FOR EACH ROW EXECUTE FUNCTION refuse_audit_head_return();
-- next
CREATE TRIGGER audit_head_no_delete BEFORE DELETE OR TRUNCATE ON audit_head
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
-- next
-- They hold for a replication role too, which would pass the usual kind by.
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_append_only,
ENABLE ALWAYS TRIGGER audit_events_only_append;
-- next
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_only_forward,
ENABLE ALWAYS TRIGGER audit_head_no_delete;
