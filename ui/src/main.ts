import { selectHost } from "./host/select";
import { start } from "./start";

void selectHost().then(start);
