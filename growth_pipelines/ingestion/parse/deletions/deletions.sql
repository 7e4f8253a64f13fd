-- A customer is known by its keyed hash.
select
    _line,
    replace(subjectid, 'customer:', '') as subject_id,
    lower(subjecttype) as subject_type,
    timezone('UTC', createdat) as deleted_at
from landed
where subjectid is not null
