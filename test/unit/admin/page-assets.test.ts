import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PageAssets } from '../../../lib/admin/page-assets.js';
import { SoftDeleteConfigError } from '../../../lib/errors/soft-delete-config.error.js';

describe(PageAssets, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'soft-delete-page-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const read = (...names: string[]) => {
    names.forEach((name) => writeFileSync(join(folder, name), `text of ${name}`));
    return new PageAssets(pathToFileURL(`${folder}/`));
  };

  it('finds the files of the page by name and by kind, with their types, and no others', () => {
    const assets = read('page-1.js', 'page-2.css', 'icon.v3.svg', 'page-1.js.map', 'notes.txt');
    expect([assets.name('js'), assets.name('css'), assets.name('svg')]).toEqual([
      'page-1.js',
      'page-2.css',
      'icon.v3.svg',
    ]);
    expect(assets.find('page-1.js')).toEqual({ type: 'text/javascript; charset=utf-8', text: 'text of page-1.js' });
    expect(assets.find('page-2.css')!.type).toBe('text/css; charset=utf-8');
    expect(assets.find('icon.v3.svg')!.type).toBe('image/svg+xml; charset=utf-8');
    expect(['page-1.js.map', 'notes.txt', 'other.js'].map((name) => assets.find(name))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('says where the page is missing, and which file of it', () => {
    const advice =
      'Install the package again, or write `ui: false` for the API without the page. A bundler has to copy that folder.';
    expect(() => read('page-2.css')).toThrow(SoftDeleteConfigError);
    expect(() => read('page-2.css')).toThrow(`SoftDeleteAdminModule: its page is not in ${folder}/ (`);
    expect(() => read('page-2.css')).toThrow(advice);
    expect(() => new PageAssets(pathToFileURL(join(folder, 'none/')))).toThrow(
      /its page is not in .*none\/ \(.*ENOENT/,
    );
    expect(() => read('page-1.js').name('svg')).toThrow(
      'SoftDeleteAdminModule: its page has no .svg file. Build it again.',
    );
  });
});
