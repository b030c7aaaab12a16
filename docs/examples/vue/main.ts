// A page with Vue that decides, shows and tracks, without a backend of its own.

import { LeveredClient } from "@levered/sdk";
import { createApp } from "vue";
import Hero from "./Hero.vue";
import { LEVERED } from "./use-variant";

const client = new LeveredClient({
  apiUrl: "http://localhost:3100",
  // A publishable key of scope `track`: it may stand in a page.
  apiKey: "lev_pub_...",
});

createApp(Hero).provide(LEVERED, client).mount("#root");
