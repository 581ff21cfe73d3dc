if (requireNamespace("plotly", quietly = TRUE)) {
  plotly::plot_ly(x = 1:3)
} else {
  plot(1:3)
}
