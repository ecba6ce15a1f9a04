/** Where the application stands: the server writes it into the page, for whatever path that is. */
export const base = new URL("./", document.baseURI);

/** The path before all addresses of pages, without a slash at its end. */
export const basePath = base.pathname.replace(/\/$/, "");

export const nonce =
  document.querySelector<HTMLMetaElement>('meta[name="onbeat-nonce"]')?.content ?? "";

// What writes style sheets while a dialog is open (react-remove-scroll) looks for the nonce here.
Object.assign(globalThis, { __webpack_nonce__: nonce });
