// Package stationary finds the tracked objects that do not move, and distinguishes people from
// things that a detector takes for people: a post, a coat, a shrub.
//
// A person walks into the picture, or through it. A thing is there from the beginning and
// stays where it is. So a track is new until it has moved as a whole, by a fifth of its
// size; a box of which one edge jitters has not. A new track of a person that has been in
// sight for ThingAfter is a thing, until it moves. Somebody who came and sits is
// stationary, however long, and stays a person.
//
// Places are remembered longer than tracks: a track that begins where one ended at rest
// continues it. A thing that is not detected for a day is forgotten, and a person at rest
// after ten minutes.
//
// It promises that the same objects in the same frames get the same states, so that a
// resumed run restores its state by passing its sightings through a new Marker; that a new run
// which Recalls the frames of those before knows their things and people at rest; and that it
// remembers at most 1,024 objects. It does not know a person who has sat still since
// before the first frame from a thing: such a person is a thing until they move. Cameras of
// which less than a frame a second is processed have no things, because people may come and
// sit down between two frames.
package stationary
