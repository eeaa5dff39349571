// Package eval measures a detector against labels, as COCO does: average
// precision by 101-point interpolation, at most 100 detections an image, and
// crowd boxes as regions to ignore (Lin et al., arXiv:1405.0312; the reference
// is cocoapi's COCOeval with one category and all areas).
//
// It measures tracks against a ground truth, too: HOTA (Luiten et al., IJCV 2021),
// CLEAR MOT (Bernardin and Stiefelhagen, 2008) and IDF1 (Ristani et al., 2016), by the
// rules of TrackEval 1.3 for MOT15.
//
// It owns the arithmetic, the label file and the file of tracks, both of which may be
// wrong in any way: that is a *usage.Error which names the file and the line. It reads
// no pictures and runs no model.
package eval
