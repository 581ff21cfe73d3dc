for (p in c("dplyr", "shiny")) {
  if (!suppressWarnings(require(p, character.only = TRUE))) message("no ", p)
}
