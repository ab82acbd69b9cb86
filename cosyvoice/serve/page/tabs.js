// Tabs of the same visitor: only one plays at a time, and a voice kept in one appears in all.
const channel = window.BroadcastChannel ? new BroadcastChannel("cosyvoice") : new EventTarget();

export const tabs = {
  postMessage: (message) => channel.postMessage?.(message),
  listen: (heard) => channel.addEventListener("message", ({ data }) => heard(data)),
};
