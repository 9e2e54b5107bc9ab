import { createServer } from 'node:http';
import { route } from './routes.js';
import { Stock } from './stock.js';

const PORT = Number(process.env.PORT ?? 8080);

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** Answers requests from the given stock. */
export function serve(stock) {
  return createServer(async (request, response) => {
    try {
      const url = new URL(request.url, 'http://localhost');
      const { status, body } = route(stock, request.method, url, await readJson(request));
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  serve(new Stock()).listen(PORT, () => console.log(`listening on ${PORT}`));
}
