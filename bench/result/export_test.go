package result

type HistogramJSON = histogramJSON
