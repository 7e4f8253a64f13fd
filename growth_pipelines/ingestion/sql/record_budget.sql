insert into budget (scope, kind, state)
values (?, ?, ?)
on conflict (scope) do update set kind = excluded.kind, state = excluded.state
