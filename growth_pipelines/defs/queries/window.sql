select min({first}) as first_day, max({last}) as last_day from {table}
