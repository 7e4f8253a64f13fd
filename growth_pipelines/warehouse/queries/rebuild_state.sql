-- What every day of the dated raw tables holds now, and what it held when each incremental model was last built.
create table if not exists raw._rebuilt_from (model varchar, since date);
create table if not exists raw._day (source varchar, date_day date, row_count bigint, content varchar);
create table if not exists raw._built_day (model varchar, source varchar, date_day date, content varchar);
create table if not exists raw._built (model varchar, basis varchar, as_of date, full_at timestamp);
create table if not exists raw._built_url (shop_id varchar, raw_url varchar, page_key varchar);
delete from raw._rebuilt_from
;
delete from raw._day
;
