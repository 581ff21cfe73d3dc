ok <- tryCatch({
  library(arrow)
  TRUE
}, error = function(e) FALSE)
try(library(sf), silent = TRUE)
print(ok)
