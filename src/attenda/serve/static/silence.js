// What a page does while somebody's answer is waited for: nothing, until the agent speaks again.

const LONGEST_MS = 2 ** 31 - 1; // no timer runs longer

const waitMs = (view) => (view?.owner === "bot" && view.silence_at ? view.silence_at / 1000 - Date.now() : Infinity);

/** Whether the agent is to break the silence by now. */
export const silenceIsOver = (view) => waitMs(view) <= 0;

/** Call when it is; gives the timer. */
export function whenSilenceIsOver(view, call) {
  const wait = waitMs(view);
  return wait > 0 && wait < Infinity ? setTimeout(call, Math.min(wait, LONGEST_MS)) : 0;
}

let toldAt = 0;

/** Whether it must be told, now and then, that somebody writes: they are not reminded then. */
export function mustTellWriting(view) {
  const now = Date.now();
  const heard = ["human", "waiting"].includes(view?.owner) || waitMs(view) < Infinity;
  if (!heard || now - toldAt < 2500) return false;
  toldAt = now;
  return true;
}
