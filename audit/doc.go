// Package audit estimates how true the counts of a line are, from a random sample that a
// user checks on pictures.
//
// It owns the population, the sample, the estimate, the page that asks, the file of the
// answers and the tables of audits. Pictures are its caller's.
//
// The population is one line of one camera in a span of time: its counted crossings, in
// and out, and the stretches of 10 seconds in which a detection came near the line (its feet
// within a box's height of it, at most 2 seconds before or after). Other stretches are
// taken to have no crossing. Each sampled crossing is answered by right, wrong or reversed,
// each sampled stretch by the crossings in and out that were not counted. Draw takes the
// same sample again from the same population and seed.
//
// The estimate of the actual crossings of a direction is
//
//	counted × share right + counted the other way × share reversed + stretches × mean of missed
//
// Intervals are of 95 %: of shares Wilson's (JASA 22, 1927; recommended by Brown, Cai and
// DasGupta, Statistical Science 16, 2001), of means the score interval of a Poisson rate,
// its sample made smaller by the variance ratio where missed crossings come in groups. Both are narrower
// by the finite population correction (Cochran, Sampling Techniques, 1977): who checks all
// gets a point. The interval of the sum is by MOVER (Zou and Donner, Statistics in Medicine
// 27, 2008), which needs no normal distribution of the parts and does not shrink to a point
// where none of a sample was wrong.
//
// Compare counts how far recounts are from the answers: at the half of the items that chooses
// the best of them, and at the other half, which judges the choice.
//
// Accuracy is counted ÷ actual, precision the share of counted crossings that are right,
// recall the share of actual crossings that were counted in their direction. It leaves out of
// account mistakes of the user who answers.
package audit
