// Package eval measures a detector against labels, as COCO does: average
// precision by 101-point interpolation, at most 100 detections an image, and
// crowd boxes as regions to ignore (Lin et al., arXiv:1405.0312; the reference
// is cocoapi's COCOeval with one category and all areas).
//
// It owns the arithmetic and the label file. It reads no pictures and runs no
// model.
package eval
