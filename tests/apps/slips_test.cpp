// What is given by mistake: refused in one line that says what may have been meant, before anything
// is read that takes its time.
#include <filesystem>

#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;

TEST_CASE("Slips are answered in one line, with what may have been meant") {
  const auto slip = [](const std::string& words, const std::string& answer) {
    INFO(words);
    check_refused(run_app("train_miniplaces", split(words)), answer);
  };
  slip("tiny --modle resnet18", "there is no flag '--modle'; did you mean '--model'?");
  slip("tiny --epohcs 1", "there is no flag '--epohcs'; did you mean '--epochs'?");
  slip("tiny --epoch 1", "did you mean '--epochs'?");
  slip("tiny --image_size=64", "did you mean '--image-size'?");
  slip("tiny --frobnicate", "there is no flag '--frobnicate' (see --help)");
  slip("tiny other", "the word 'other' is not expected");
  slip("tiny --model resnet-18", "there is no model 'resnet-18'; there are ");
  slip("tiny --model resnet-18", "did you mean 'resnet18'?");
  slip("tiny --optimizer AdamW",
       "--optimizer: takes sgd, adam, adamw, rmsprop, lion, muon, not 'AdamW'; did you mean "
       "'adamw'?");
  slip("tiny --schedule cosin", "did you mean 'cosine'?");
  slip("tiny --augment flip", "did you mean 'mirror'?");
  slip("tiny --start-epoch 3", "a run that goes on by --resume knows its epoch");
  slip("tiny --lr abc", "--lr");
  slip("tiny --wd -1", "--wd");
  slip("tiny --adversarial pgd --eps 8", "did you mean 8/255?");
  slip("tiny --classes 1", "tiny has one class only, 'bridge': there is nothing to tell apart");
  slip("tiny --model cifar_5x5 --image-size 48",
       "layer fc1 (Linear) needs 1024 features and gets 2304, of (1, 2304)");
  slip("tiny --use-vit --image-size 40", "whose size is a multiple of 16, not 40");
  slip("--resume best", "best: cannot be read: no such file; ");
  check_refused(run_app("pgd_attack", {"best"}), "no such file; ");
  check_refused(run_app("pgd_attack", {"x", "tiny", "--step-size", "1"}), "no flag '--step-size'");
  check_refused(run_app("saliency_maps", {"x", "--coutn", "3"}), "did you mean '--count'?");
}

TEST_CASE("A JSON network that does not go with the data is refused before that is read") {
  TemporaryFolder folder;
  const std::string net = folder.path() + "/net.json", out = folder.path() + "/out";
  const auto refused = [&](const std::string& features, const std::string& answers,
                           const std::string& more, const std::string& what) {
    write_text(net, R"({"layers": [{"type": "Flatten"}, {"type": "Sequential", "layers": [
      {"type": "Linear", "in_features": )" +
                        features + R"(, "out_features": )" + answers + "}]}]}");
    const Outcome o = run_app("train_miniplaces", Words{"tiny", "--model", net} +
                                                      split("--classes 3 --image-size 16 " + more));
    check_refused(o, what);
    return o.out;
  };
  const std::string to_out = "--out " + out;
  const std::string size = "this net.json cannot take images of 16x16: layer 1.0 (Linear) needs ";
  CHECK(refused("75", "\"classes\"", to_out, size + "75 features and gets 768") == "");
  CHECK(refused("75", "\"classes\"", "--summary", size + "75 features and gets 768") == "");
  refused("768", "7", to_out, "net.json tells 7 classes apart, but DATA has 3");
  CHECK(!std::filesystem::exists(out));
}

TEST_CASE("A transformer is trained by AdamW unless another optimizer is given") {
  TemporaryFolder folder;
  const auto weights = [&](const std::string& flags, const std::string& said) {
    const std::string out = folder.path() + "/out";
    const Outcome o = train(out, Words{"--overwrite", "--epochs", "1"} + split(flags));
    INFO(o.err);
    CHECK(o.code == 0);
    CHECK(o.out.starts_with(said));
    CHECK_THAT(succeeded("train_miniplaces", {"--resume", out, "--epochs", "2"}).out,
               Contains("with the flags of before, but --epochs 2 instead of 1\n"));
    return bytes_of(out + "/last.safetensors");
  };
  const std::string said = "Without --optimizer: simplevit is trained by adamw\n";
  const std::string implied = weights("--use-vit", said);
  CHECK(weights("--model simplevit", said) == implied);
  CHECK(weights("--use-vit --optimizer adamw", "simplevit: ") == implied);
  CHECK(weights("--use-vit --optimizer sgd", "simplevit: ") != implied);
  CHECK(weights("--use-vit --nesterov", "simplevit: ") != implied);
  CHECK(train(folder.path() + "/resnet", split("--use-resnet18 --epochs 1"))
            .out.starts_with(
                "resnet18 starts from scratch: its weights are random, not ImageNet's, which "
                "--weights FILE would bring\n"));
}

TEST_CASE("What cannot be evaluated together is refused in one line") {
  const TrainedNetwork t("cifar_5x5");
  auto refused = [&](const std::string& flags, const std::string& what) {
    INFO(flags);
    check_refused(
        run_app("train_miniplaces", Words{t.data, "-e", "--resume", t.best} + split(flags)), what);
  };
  refused("--image-size 24", "this cifar_5x5 cannot take images of 24x24: ");
  refused("--image-size 40", "this cifar_5x5 cannot take images of 40x40: ");
  refused("--load-size 20", "--load-size 20 is less than --image-size, 32");
  refused("--classes 2", "has other classes (2) than the network (3)");
  refused("--model resnet18", "--resume holds a cifar_5x5, but --model says resnet18");
  refused("--use-vit", "--resume holds a cifar_5x5");
  refused("--precision tf32", "tf32 is a way in which GPUs multiply");
  refused("--validation tiny", "it lacks the class 'a' that the network knows; there are bridge");
  refused("--gpu -1 --device cpu", "--gpu");
  refused("--use-custom-conv --conv auto", "--use-custom-conv");
  refused("-a --goal 3", "or a class by its name or its number from 0 to 2, not '3'");
  refused("-a --eps 8", "did you mean 8/255?");
  refused("--summary", "--summary only prints a table");
  refused("--draw x.svg", "--draw goes with --summary");
  check_refused(run_app("train_miniplaces", {"tiny", "--summary", "--draw", "x.png"}),
                "something.svg, not 'x.png'");
  const std::string crop = "classify", size = "cannot take images of 16x16";
  check_refused(run_app(crop, {t.photo, "--weights", t.best, "--crop", "16"}), size);
  check_refused(
      run_app("pgd_attack", {t.best, t.data, "--image-size", "16", "--out", t.out + "/p"}), size);
}

TEST_CASE("What cannot be trained together is refused in one line") {
  auto refused = [](const std::string& flags, const std::string& what) {
    INFO(flags);
    check_refused(run_app("train_miniplaces", split(flags)), what);
  };
  for (const char* flag :
       {"--attack-eps 1/255", "--attack-step 1/255", "--attack-steps 2", "--eps-space pixel",
        "--goal label", "--no-random-start", "--norm l2", "--coursework", "--attack-momentum 1"})
    refused(flag, "no effect without --adversarial pgd");
  refused("-a", "belong to --evaluate");
  refused("-v", "belong to --evaluate");
  refused("--epochs 2 --iterations 2", "--iterations");
  for (const char* flag :
       {"--resume", "--out", "--validation"})  // of a shell variable that is not set
    check_refused(run_app("train_miniplaces", {flag, ""}), "names a file or folder, not ''");
}

TEST_CASE("An attack that cannot be meant is refused in one line") {
  const TrainedNetwork t;
  const Words start{t.best, t.data, "--out", t.folder.path() + "/p.png"};
  auto refused = [&](const std::string& flags, const std::string& what) {
    INFO(flags);
    check_refused(run_app("pgd_attack", start + split(flags)), what);
  };
  refused("--eps -1/255", "--attack-eps takes a number from 0 on");
  refused("--eps 1/255,,2/255", "--attack-eps takes a number");
  refused("--eps 1/255,8", "did you mean 8/255?");
  refused("--steps 1,0", "--attack-steps takes a whole number from 1");
  refused("--norm l2 --eps 300", "further apart than 55.43 in L2");
  refused("--norm l3", "--attack-norm");
  refused("--goal d", "or a class by its name or its number from 0 to 2, not 'd'");
  refused("--goal 3", "or a class by its name or its number from 0 to 2, not '3'");
  refused("--method bgsm", "--attack-method");
  refused("--method fgsm --steps 1,2", "fgsm takes one step");
  refused("--method cw --norm linf", "attack cw knows the norm L2, not linf");
  refused("--method square --momentum 0.5", "square has none");
  refused("--method square --norm l1", "attack square knows the norms Linf, L2, not L1");
  refused("--method deepfool --goal random", "deepfool goes for no class");
  refused("--method cw --eps-space normalized", "attack cw needs the bounds of pixels");
  refused("--method cw --attack-draws 2", "--attack-draws: cw knows none");
  refused("--restarts 2 --no-random-start", "are all alike with --no-random-start");
  refused("--coursework --eps 1/255", "--coursework says what eps");
  refused("--momentum 1.5", "--attack-momentum takes a number from 0 to 1");
  refused("--method sure --attack-confidence 2", "is a probability");
  // Where one is taken, a list is not.
  check_refused(run_app("evaluate", {t.best, t.data, "-a", "--eps", "1/255,2/255"}), "1/255,2/255");
}

TEST_CASE("A picture replaces no file that is none") {
  const TrainedNetwork t;
  const std::string before = bytes_of(t.best);
  for (const char* app : {"pgd_attack", "saliency_maps"})
    check_refused(run_app(app, {t.best, t.data, "--out", t.best}), "is a file that is no PNG");
  CHECK(bytes_of(t.best) == before);
  const std::string empty = t.folder.path() + "/empty.png";
  write_text(empty, "");  // as mktemp leaves it
  for (int again = 0; again < 2; ++again)
    CHECK(run_app("saliency_maps", {t.best, t.photo, "--out", empty}).code == 0);
}
