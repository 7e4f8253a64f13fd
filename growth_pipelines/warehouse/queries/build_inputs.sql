-- What a build is asked for, where the models can read it. As dbt variables it would cost a full parse a day.
create table if not exists raw._build (as_of date, timezone varchar, currency varchar);
create table if not exists raw._brand_terms (shop_id varchar, term varchar);
create table if not exists raw._streams (stream varchar, source varchar, timezone varchar);
delete from raw._build
;
delete from raw._brand_terms
;
delete from raw._streams
;
