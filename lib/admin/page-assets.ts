import { readdirSync, readFileSync } from 'node:fs';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';

/** One file of the page. @internal */
export interface PageAsset {
  readonly type: string;
  readonly text: string;
}

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
};

/** The files of the page as they were built, by name: `page-<hash>.js`, `page-<hash>.css`, `icon-<hash>.svg`. @internal */
export class PageAssets {
  readonly #files: ReadonlyMap<string, PageAsset>;

  /**
   * The folder is the same, seen from the sources and from what is built of them.
   *
   * @throws SoftDeleteConfigError if the page has not been built
   */
  constructor(folder = new URL('../../dist/admin/assets/', import.meta.url)) {
    try {
      const names = readdirSync(folder).filter((name) => extension(name) in TYPES);
      this.#files = new Map(
        names.map((name) => [
          name,
          { type: TYPES[extension(name)]!, text: readFileSync(new URL(name, folder), 'utf8') },
        ]),
      );
      this.name('js');
    } catch (cause) {
      throw new SoftDeleteConfigError(
        'SoftDeleteAdminModule',
        `its page is not in ${folder.pathname} (${String(cause)}).`,
        'Install the package again, or write `ui: false` for the API without the page. A bundler has to copy that folder.',
      );
    }
  }

  find(name: string): PageAsset | undefined {
    return this.#files.get(name);
  }

  /** The name of the file of a kind. */
  name(kind: 'js' | 'css' | 'svg'): string {
    const found = [...this.#files.keys()].find((name) => extension(name) === kind);
    if (found === undefined) {
      throw new SoftDeleteConfigError('SoftDeleteAdminModule', `its page has no .${kind} file.`, 'Build it again.');
    }
    return found;
  }
}

function extension(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
