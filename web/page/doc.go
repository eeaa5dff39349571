// Package page is the web page of sightlog: HTML, style and ES modules as they are, embedded, without
// a build. All of it is at most 200 KB, and nothing is loaded from elsewhere.
//
// It owns the files below static and how they are served; what they show comes from the API
// (web/api and others). views.js lists the views; docs/page.md says what each shows.
//
//	index.html → theme.js      light or dark, before the first paint
//	           → app.js        the shell: the address (#/view?filters), alerts, the user
//	             → views.js    the list of views; each is a module and a style of its name
//	             → client.js   requests, errors, events
//	             → dom.js      elements
package page
