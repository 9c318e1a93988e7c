"""How fast the restorer is and how much memory it takes, beside what the machine could do at best."""
