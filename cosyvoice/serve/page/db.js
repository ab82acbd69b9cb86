// What the browser keeps beside settings: takes and samples of voices, with their sound, in IndexedDB.
const STORES = ["takes", "samples"];
let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("cosyvoice", 1);
    request.onupgradeneeded = () => STORES.forEach((name) => request.result.createObjectStore(name, { keyPath: "id" }));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function work(store, kind, act) {
  const transaction = (await open()).transaction(store, kind);
  const request = act(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

// Each record has an id. All reject where the visitor has blocked storage; put also where it is full.
export const every = (store) => work(store, "readonly", (records) => records.getAll());
export const get = (store, id) => work(store, "readonly", (records) => records.get(id));
export const put = (store, record) => work(store, "readwrite", (records) => records.put(record));
export const remove = (store, id) => work(store, "readwrite", (records) => records.delete(id));
export const clear = (store) => work(store, "readwrite", (records) => records.clear());
