select state from budget where scope = ? and kind = ?
