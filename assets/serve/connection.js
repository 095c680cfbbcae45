// Listens for the server's events as long as the page is seen, and says in the page whether it is up to date.
// `listenTo(address, known, onChange)`: `known` is the id of the state that the page has.
globalThis.listenTo = (address, known, onChange) => {
  const AGAIN_MILLISECONDS = 5000;
  const status = document.getElementById("connection");
  let [source, timer] = [null, null];

  function say(kind, text) {
    if (status.textContent === text) return;
    status.className = kind;
    status.textContent = text;
  }

  function open() {
    close();
    const since = new URLSearchParams({ since: known });
    source = new EventSource(`${address}${address.includes("?") ? "&" : "?"}${since}`);
    source.addEventListener("open", () => say("live", "live"));
    source.addEventListener("change", (event) => {
      known = event.lastEventId;
      onChange(JSON.parse(event.data));
      say("live", "live");
    });
    source.addEventListener("problem", (event) => say("lost", JSON.parse(event.data)));
    source.addEventListener("error", lost);
  }

  // The browser tries again by itself after a broken connection, but not after an answer that is none.
  function lost() {
    say("lost", "connection lost, trying again");
    if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MILLISECONDS);
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  // A browser has few connections to a server: pages that nobody sees leave them to the others.
  function openIfSeen() {
    if (document.hidden) close();
    else if (source === null) open();
  }

  document.addEventListener("visibilitychange", openIfSeen);
  openIfSeen();
};
