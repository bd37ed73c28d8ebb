/** Where popups are put: within the page's main part, so that they are in a landmark. */
export function popupPlace(): HTMLElement | undefined {
  return document.getElementById('content') ?? undefined;
}
