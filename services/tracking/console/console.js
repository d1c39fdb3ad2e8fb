// Keeps the figures fresh: asks for each live part again and again, and changes the page only when
// something has changed (ETag).  Without it the pages say the same, as of their loading.
const EVERY_MS = 4000;

async function refresh(part) {
  const headers = part.dataset.tag ? { "If-None-Match": part.dataset.tag } : {};
  const answer = await fetch(part.dataset.live, { headers, cache: "no-store" });
  if (!answer.ok) return; // 304: as it was; an error: better old than nothing
  part.dataset.tag = answer.headers.get("ETag") ?? "";
  const html = await answer.text();
  // Whoever is in the middle of this part with the keyboard is not thrown out of it.
  if (!part.contains(document.activeElement)) part.innerHTML = html;
  else part.dataset.tag = "";
}

for (const part of document.querySelectorAll("[data-live]")) {
  const again = () =>
    setTimeout(async () => {
      if (!document.hidden) await refresh(part).catch(() => {});
      again();
    }, EVERY_MS);
  again();
}
