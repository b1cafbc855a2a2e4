import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { html } from 'hono/html';
import { describeAccess } from '../auth/describe-access.ts';
import type { App } from '../dependencies.ts';

const ABOUT = {
  openapi: '3.1.0',
  info: {
    title: 'Holdfast',
    version: '1',
    description: 'Agent runs that outlive the connection that started them.',
  },
};

/** The files that the page needs, out of the installed package: it works without a network. */
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', validatorUrl: null });`;
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

const PAGE = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>Holdfast API</title>
      <link rel="stylesheet" href="/docs/swagger-ui.css" />
    </head>
    <body>
      <div id="docs"></div>
      <script src="/docs/swagger-ui-bundle.js"></script>
      <script src="/docs/start.js"></script>
    </body>
  </html>`;

/** The API's description, made of the schemas that validate requests, and a page that renders it. */
export function addDocsRoutes(app: App): void {
  app.get('/openapi.json', (c) => c.json(describeAccess(app.getOpenAPI31Document(ABOUT))));

  app.get('/docs', (c) => {
    c.header('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    return c.html(PAGE);
  });

  app.get('/docs/start.js', (c) => c.body(START, 200, { 'Content-Type': 'text/javascript' }));

  for (const [name, type] of Object.entries(ASSETS)) {
    app.get(`/docs/${name}`, async (c) => {
      const path = fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`));
      return c.body(await readFile(path), 200, {
        'Content-Type': type,
        'Cache-Control': 'max-age=3600',
      });
    });
  }
}
