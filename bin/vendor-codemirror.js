// What the editor of articles needs of CodeMirror 6; bin/vendor makes static/vendor/codemirror-VERSION/ of it.
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { deleteMarkupBackward, insertNewlineContinueMarkupCommand, markdownLanguage } from "@codemirror/lang-markdown";
export { syntaxHighlighting } from "@codemirror/language";
export { EditorState } from "@codemirror/state";
export { EditorView, keymap } from "@codemirror/view";
export { classHighlighter } from "@lezer/highlight";
