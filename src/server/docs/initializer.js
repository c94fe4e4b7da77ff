// Beside the bundle and not in the page: the page's policy takes no scripts of its own.
const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

const root = document.getElementById("swagger-ui");

const ui = SwaggerUIBundle({
  url: "/openapi.json",
  domNode: root,
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  // Lengths, bounds and patterns of parameters.
  showCommonExtensions: true,
  // The default asks a validator on another host.
  validatorUrl: null,
  onComplete: () => {
    const { token } = root.dataset;
    if (token) {
      ui.preauthorizeApiKey("bearer", token);
    }
  },
});
