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
  requestInterceptor: (request) => {
    request.credentials = "same-origin";
    return request;
  },
});
