-- An event takes the next number. REPLACE would remove the one that has it without firing a delete trigger.
CREATE TRIGGER audit_events_only_append BEFORE INSERT ON audit_events
WHEN
    new.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_events)
    OR EXISTS (SELECT 1 FROM audit_events WHERE id = new.id OR hash = new.hash)
BEGIN
    SELECT RAISE(ABORT, 'audit events are only appended, never replaced');
end
;
-- next
CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'the head of the audit chain is never removed');
end
;
-- next
CREATE TRIGGER audit_head_one_row BEFORE INSERT ON audit_head
WHEN EXISTS (SELECT 1 FROM audit_head)
BEGIN
    SELECT RAISE(ABORT, 'the audit chain has one head, never replaced');
end
;
-- next
-- The head moves on only, and only to an event that is there.
CREATE TRIGGER audit_head_only_forward BEFORE UPDATE ON audit_head
WHEN
    new.id IS NOT old.id
    OR new.seq <= old.seq
    OR NOT EXISTS (SELECT 1 FROM audit_events WHERE seq = new.seq AND hash = new.hash)
BEGIN
    SELECT RAISE(ABORT, 'the head of the audit chain never goes back');
end
;
