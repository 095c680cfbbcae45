/** Sizes in bytes for a reader, as a report shows them. */
export { byteText } from "../report/number-text.js";
