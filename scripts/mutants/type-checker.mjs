import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Tells of a changed file of the library whether it still compiles. */
export function createTypeChecker(root) {
  const { config } = ts.readConfigFile(join(root, 'lib/tsconfig.json'), ts.sys.readFile);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, join(root, 'lib'));
  const changed = new Map();
  let version = 0;
  const service = ts.createLanguageService({
    getCompilationSettings: () => ({ ...options, noUnusedLocals: false, noUnusedParameters: false }),
    getScriptFileNames: () => fileNames,
    getScriptVersion: (file) => (changed.has(file) ? changed.get(file).version : '0'),
    getScriptSnapshot: (file) =>
      ts.sys.fileExists(file)
        ? ts.ScriptSnapshot.fromString(changed.get(file)?.text ?? readFileSync(file, 'utf8'))
        : undefined,
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath,
  });
  return {
    files: fileNames,
    compiles(file, text) {
      changed.set(file, { text, version: String(++version) });
      const faults = [...service.getSyntacticDiagnostics(file), ...service.getSemanticDiagnostics(file)];
      changed.delete(file);
      return faults.length === 0;
    },
  };
}
