// Our providers are providers of OpenFeature's SDKs: this compiles.

import { OpenFeature as Server, type Provider as ServerProvider } from "@openfeature/server-sdk";
import { OpenFeature as Web, type Provider as WebProvider } from "@openfeature/web-sdk";
import { LeveredClient } from "@levered/sdk";
import { LeveredServerProvider, LeveredWebProvider } from "@levered/sdk/openfeature";

const client = new LeveredClient({ apiUrl: "http://127.0.0.1:9" });
const server: ServerProvider = new LeveredServerProvider(client);
const web: WebProvider = new LeveredWebProvider(client, { flags: { title: "id.headline" } });
Server.setProvider(server);
Web.setProvider(web);
