select scope, kind, state from budget order by scope
