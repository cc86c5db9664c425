import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/**
 * Follows every link within a built site, anchors included.
 *
 * @param base - where the site will be on its host
 * @returns a line for each link to a page, a file or an anchor that is not there, and for each request that a page makes to other hosts
 */
export function checkLinks(folder, base = '/') {
  const files = globSync('**/*.html', { cwd: folder });
  const pages = new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
  const anchors = new Map([...pages].map(([file, html]) => [file, anchorsOf(html)]));
  return [...pages].flatMap(([file, html]) =>
    linksOf(html).flatMap((link) => {
      const fault = followed(file, link, { folder, base, anchors });
      return fault ? [`${file}: ${link} ${fault}`] : [];
    }),
  );
}

function anchorsOf(html) {
  return new Set([...html.matchAll(/\s(?:id|name)="([^"]+)"/g)].map(([, id]) => decode(id)));
}

/** Of `<a>` wherever they lead; of what the browser fetches by itself, which is on this host. */
function linksOf(html) {
  const shown = html.replaceAll(/<script[\s\S]*?<\/script>/g, (script) => script.slice(0, script.indexOf('>') + 1));
  return [...shown.matchAll(/<(\w+)\b[^>]*?\s(?:href|src)="([^"]*)"/g)]
    .filter(([, tag, link]) => tag !== 'a' || !/^(https?|mailto):/.test(link))
    .map(([, , link]) => decode(link));
}

function followed(file, link, { folder, base, anchors }) {
  if (/^(https?:)?\/\//.test(link)) {
    return 'is fetched from another host';
  }
  const [path, anchor] = link.split('#');
  if (path.startsWith('/') && !`${path}/`.startsWith(base)) {
    return `leaves ${base}`;
  }
  const target =
    path === '' ? file : path.startsWith('/') ? path.slice(base.length) : posix.join(posix.dirname(file), path);
  const found = [target, `${target}.html`, posix.join(target, 'index.html')].find(
    (candidate) => anchors.has(candidate) || (/\.\w+$/.test(candidate) && existsSync(join(folder, candidate))),
  );
  if (found === undefined) {
    return 'is not there';
  }
  return anchor && anchors.has(found) && !anchors.get(found).has(decodeURIComponent(anchor))
    ? 'has no such anchor'
    : undefined;
}

function decode(text) {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
}
