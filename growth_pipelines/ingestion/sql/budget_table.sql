create table if not exists budget (scope text primary key, kind text not null, state text not null)
