/** Rows of the tables at the end of a run: first and last state side by side. */

/** What a record's network is called. */
export type Naming = (record: { readonly step: number }) => string;

export function tableRow(name: string, values: readonly string[]): string {
  return name.padEnd(24) + values.map((value) => value.padStart(20)).join("");
}
