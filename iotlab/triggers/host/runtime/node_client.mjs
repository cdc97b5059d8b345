// A Lambda runtime for Node in one file: fetches events, calls the function, sends what it returns.
// Source: AWS Lambda Developer Guide, "Using the Lambda runtime API" and "AWS Lambda context object in Node.js".

import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [address, token] = process.env.AWS_LAMBDA_RUNTIME_API.split(/\/(.*)/);
const [host, port] = address.split(":");
const base = (token ? `/${token}` : "") + "/2018-06-01/runtime";
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const ERROR_TYPE = "Lambda-Runtime-Function-Error-Type";

function call(method, route, body, headers = {}) {
  const data = body === undefined ? undefined : Buffer.from(body);
  if (data) headers = { ...headers, "Content-Length": data.length };
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, agent, method, path: base + route, headers }, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(pieces) }));
      response.on("error", reject);
    });
    request.setNoDelay(true);
    request.on("error", reject);
    request.end(data);
  });
}

function described(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  const trace = (error.stack ?? "").split("\n");
  return { errorType: error.name, errorMessage: error.message, trace };
}

async function failed(route, error) {
  const document = described(error);
  console.error(`[ERROR] ${document.errorType}: ${document.errorMessage}\r${document.trace.slice(1).join("\r")}`);
  const headers = { "Content-Type": "application/json", [ERROR_TYPE]: document.errorType };
  await call("POST", route, JSON.stringify({ ...document, stackTrace: document.trace }), headers);
}

function fault(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

async function load() {
  const name = process.env._HANDLER;
  const at = name.lastIndexOf(".");
  const stem = path.join(process.env.LAMBDA_TASK_ROOT, name.slice(0, at));
  const file = [".mjs", ".js", ".cjs"].map((ending) => stem + ending).find((found) => fs.existsSync(found));
  const require = createRequire(pathToFileURL(stem));
  let module;
  try {
    if (!file) throw new Error(`Cannot find module '${name.slice(0, at)}'`);
    module = await import(pathToFileURL(file)).catch((error) => {
      if (file.endsWith(".mjs")) throw error;
      return require(file);
    });
  } catch (error) {
    if (error instanceof SyntaxError) throw fault("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`);
    if (error.code?.endsWith("MODULE_NOT_FOUND") || !file) throw fault("Runtime.ImportModuleError", `Error: ${error.message}`);
    throw error;
  }
  const found = module[name.slice(at + 1)] ?? module.default?.[name.slice(at + 1)];
  if (found === undefined) throw fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof found !== "function") throw fault("Runtime.HandlerNotFound", `${name} is not a function`);
  return found;
}

function contextOf(headers) {
  const env = process.env;
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

function invoke(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, result) => (error ? reject(error) : resolve(result));
    context.done = callback;
    context.succeed = (result) => resolve(result);
    context.fail = (error) => reject(error);
    const returned = handler(event, context, callback);
    if (typeof returned?.then === "function") returned.then(resolve, reject);
    else if (handler.length < 3) resolve(returned);
  });
}

function encoded(value) {
  try {
    return JSON.stringify(value === undefined ? null : value);
  } catch (error) {
    throw fault("Runtime.MarshalError", `Unable to stringify response body: ${error.message}`);
  }
}

let handler;
try {
  handler = await load();
} catch (error) {
  await failed("/init/error", error);
  process.exit(1);
}
for (;;) {
  const { headers, body } = await call("GET", "/invocation/next");
  const id = headers["lambda-runtime-aws-request-id"];
  process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
  try {
    const answer = encoded(await invoke(handler, JSON.parse(body), contextOf(headers)));
    await call("POST", `/invocation/${id}/response`, answer, { "Content-Type": "application/json" });
  } catch (error) {
    await failed(`/invocation/${id}/error`, error);
  }
}
