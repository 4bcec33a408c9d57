// Run a Python program in CPython 3.14 as WebAssembly: node run.mjs PACKAGES PROGRAM ARGUMENTS...
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, ...argv] = process.argv.slice(2);
const pyodide = createRequire(`${packages}/node_modules/`).resolve("pyodide/pyodide.mjs");
const { loadPyodide } = await import(pathToFileURL(pyodide));
let status = 1;
try {
  const python = await loadPyodide({ env: { HOME: "/tmp", PYTHONDONTWRITEBYTECODE: "1" } });
  python.mountNodeFS("/tree", process.cwd());
  python.mountNodeFS("/packages", `${packages}/site`);
  python.globals.set("given", python.toPy(argv));
  status = python.runPython(`
import os, runpy, sys
os.chdir("/tree")
sys.path[:0] = ["/tree", "/tree/integrations", "/packages"]
sys.argv = list(given)
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
    status = 0
except SystemExit as end:
    status = int(end.code or 0)
status
`);
} catch (error) {
  console.log(String(error.message ?? error).slice(-4000)); // without the source of the interpreter
}
process.exit(status);
