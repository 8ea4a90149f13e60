// TypeScript client 2: what it gets from a server; arguments are the modules' folder, URL, `legacy` or `auto`, and a file to make, or nothing.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, url, mode, signal] = process.argv.slice(2);
const load = createRequire(`${modules}/`);
const { Client, StreamableHTTPClientTransport } = await import(pathToFileURL(load.resolve("@modelcontextprotocol/client")));

const ANSWERS = { name: "Ada", colour: "blue" };

async function connected() {
  const client = new Client(
    { name: "typescript2", version: "1" },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } },
  );
  client.setRequestHandler("elicitation/create", async ({ params }) => ({
    action: "accept",
    content: Object.fromEntries(Object.keys(params.requestedSchema.properties).map((name) => [name, ANSWERS[name]])),
  }));
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport);
  return { client, transport };
}

const events = [];
const onprogress = ({ progress }) => {
  events.push(`progress ${progress}`);
  if (signal && progress === 1) writeFileSync(signal, "");
};
const call = async (client, name, args = {}, options = {}) =>
  (await client.callTool({ name, arguments: args }, options)).content[0].text;

let { client, transport } = await connected();
const found = {
  protocol: client.getNegotiatedProtocolVersion(),
  lists: (await client.listTools()).tools.some((tool) => tool.name === "test_simple_text"),
  text: await call(client, "test_simple_text"),
};
await call(client, "test_tool_with_progress", {}, { onprogress });
found.progress = events.splice(0);
found.elicited = await call(client, mode === "legacy" ? "test_two_questions" : "test_input_required_result_elicitation");
if (signal) {
  const text = await call(client, "test_wait_for_file", { path: signal }, { onprogress });
  found["while running"] = [...events, text];
}
await transport.terminateSession();
await client.close();

({ client, transport } = await connected());
found.again = await call(client, "test_simple_text");
await transport.terminateSession();
await client.close();
console.log(JSON.stringify(found));
