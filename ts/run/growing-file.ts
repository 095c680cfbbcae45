/** A file that only grows at its end. Bytes that the disk does not take are kept, and go in front of the next ones. */
import { type FileHandle, open } from "node:fs/promises";

export class GrowingFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  /** Length of the file up to the last piece that is whole. */
  #length: number;
  #unwritten: Buffer[] = [];
  #last: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
  }

  /** Makes the file where there is none. */
  static async open(file: string): Promise<GrowingFile> {
    const handle = await open(file, "a");
    return new GrowingFile(handle, (await handle.stat()).size);
  }

  /** Rejects where the disk does not take the pieces; they are not lost. */
  async append(...pieces: readonly Buffer[]): Promise<void> {
    this.#unwritten.push(...pieces);
    await this.#write();
  }

  /** Everything appended is on the disk when it resolves. */
  async flush(): Promise<void> {
    await this.#write();
    await this.#handle.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last.catch(() => {});
    await this.#handle.close();
  }

  /** One write at a time, whoever asks for it. */
  #write(): Promise<void> {
    this.#last = this.#last.catch(() => {}).then(() => this.#writeKept());
    return this.#last;
  }

  async #writeKept(): Promise<void> {
    if (this.#unwritten.length === 0) return;
    const [count, bytes] = [this.#unwritten.length, Buffer.concat(this.#unwritten)];
    try {
      await this.#handle.appendFile(bytes);
    } catch (error) {
      // A full disk may have taken half of a piece.
      await this.#handle.truncate(this.#length).catch(() => {});
      throw error;
    }
    this.#length += bytes.length;
    this.#unwritten.splice(0, count);
  }
}
