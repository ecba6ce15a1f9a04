// A file of its own, as the page's policy lets no script stand in the page.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  filter: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  displayRequestDuration: true,
  // The validator's badge is asked of an address that is not ours.
  validatorUrl: null,
  requestInterceptor: async (request) => {
    request.credentials = "same-origin";
    const reads = ["GET", "HEAD"].includes((request.method || "GET").toUpperCase());
    if (!reads && !request.headers.Authorization) {
      // Who is signed in by cookie sends along what other sites cannot read.
      const me = await fetch("me", { credentials: "same-origin" });
      if (me.ok) request.headers["X-CSRF-Token"] = (await me.json()).csrf_token;
    }
    return request;
  },
});
