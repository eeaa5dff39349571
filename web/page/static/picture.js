// The next picture of a camera as a still, or the reason for which there is none. It is asked from the stream of
// live pictures: a picture that is not there is no error there, and the browser writes none on its console.
import { parts } from './live_stream.js';

const reasons = {
  opening: 'the camera is being opened', running: 'its next frame is awaited', ended: 'its source has ended', lost: 'it is being started again',
};

// still calls show(url) with the first picture that comes, once, and before that said(text) with the reason for
// which there is none yet. It ends with the signal; the caller revokes the URL.
export async function still(api, camera, { signal, show, said = () => {} }) {
  const stop = new AbortController();
  const end = () => stop.abort();
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  try {
    const response = await api.stream('live', { cameras: camera, width: 1280, fps: 1 }, { signal: stop.signal });
    said('No picture yet: sightlog is asked for one.');
    for await (const { picture, status, jpeg } of parts(response)) {
      if (stop.signal.aborted) return;
      if (picture?.hidden) said(`No picture: ${picture.hidden}.`);
      else if (picture) {
        show(URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' })));
        return;
      } else said(reason((status.cameras || []).find((c) => c.id === camera)));
    }
    said('No picture: sightlog does not answer any more.');
  } catch (error) {
    if (error.name !== 'AbortError') said(`No picture: ${error.message}.`);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function reason(camera) {
  if (!camera) return 'No picture: nothing reads this camera now.';
  return `No picture yet: ${camera.problem || reasons[camera.state] || camera.state}.`;
}
