import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { importRule, OUTWARD, PURE } from './scripts/import-rules.mjs';

const IMPURE_SYNTAX = [
  { selector: 'ImportExpression', message: 'import() gets round the import rules of this folder.' },
  {
    selector: "MemberExpression[object.name='process'][property.name='env']",
    message: 'Settings come in as arguments: the environment is read by adapters and worker.',
  },
];

const OUTWARD_GLOBALS = ['fetch', 'WebSocket', 'EventSource'].map((name) => ({
  name,
  message: 'Only adapters and cloud open sockets.',
}));

const inFolders = (folders) => folders.map((folder) => `src/${folder}/**/*.ts`);

export default defineConfig(
  { ignores: ['dist/', '.tools/', '.lab/', 'node_modules/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      // It believes that nothing changes across an await, and that what comes over the wire is what the types say.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Ports are interfaces with methods, made as plain objects: nothing to be bound to.
      '@typescript-eslint/unbound-method': 'off',
      // Taste, not bugs.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-unnecessary-type-arguments': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    files: ['**/*.{mjs,cjs}'],
    rules: {
      eqeqeq: 'error',
      'no-unused-vars': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { house: { rules: { imports: importRule } } },
    rules: { 'house/imports': 'error', 'no-restricted-globals': ['error', ...OUTWARD_GLOBALS] },
  },
  { files: inFolders(OUTWARD), rules: { 'no-restricted-globals': 'off' } },
  { files: inFolders(PURE), rules: { 'no-restricted-syntax': ['error', ...IMPURE_SYNTAX] } },
  // A zod schema's type is long, and inferred for a reason.
  { files: ['src/specfile/**/*.ts'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' } },
  {
    // The lab stands for the outside: with nothing of the product in it, it cannot share the product's mistakes.
    files: ['lab/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(\\.\\./)+src(/|$)', message: 'The lab imports nothing of the product.' }] },
      ],
    },
  },
  { files: ['test/**/*.ts', 'bench/**/*.ts'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
);
