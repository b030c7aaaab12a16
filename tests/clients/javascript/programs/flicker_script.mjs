// Print the script against flicker, for the options that are given as JSON.

import { buildFlickerScript } from "../../../../clients/javascript/src/flicker.ts";

process.stdout.write(buildFlickerScript(JSON.parse(process.argv[2] ?? "{}")));
