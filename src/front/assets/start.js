SwaggerUIBundle({
    url: "../openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    validatorUrl: null, // no other host is asked anything
});
