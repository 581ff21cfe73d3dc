pacman::p_load(dplyr, ggplot2)
print(1)
