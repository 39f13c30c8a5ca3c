// The models: what answers and searches here, what could, and what each needs.

import { showModels } from "/static/model_row.js";

showModels();
