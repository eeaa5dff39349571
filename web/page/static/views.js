// The views in the order of the navigation. Each is a module NAME.js and a style NAME.css beside this file.
// A module exports mount(root, params, ctx), which fills root and returns a function that ends the view, or
// {unmount, update}: update(params) is called, instead of a new mount, when only the parameters have changed.
export const views = [
  { name: 'live', label: 'Live' },
  { name: 'today', label: 'Today' },
  { name: 'timeline', label: 'Timeline' },
  { name: 'heat', label: 'Heat map' },
  { name: 'alarms', label: 'Alarms' },
  { name: 'health', label: 'Health' },
  { name: 'settings', label: 'Settings' },
];
