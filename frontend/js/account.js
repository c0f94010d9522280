// The invitation's code stands behind # in its link, where no server sees it: put it into the form, off the address bar.
const token = document.getElementById("id_token");
const given = location.hash.slice(1);
if (token && given) {
  token.value = given;
  history.replaceState(null, "", location.pathname);
  document.getElementById("id_name")?.focus();
}
